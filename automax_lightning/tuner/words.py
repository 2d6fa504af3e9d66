"""What other tuners call things, and what they are called here."""

from __future__ import annotations

from collections.abc import Mapping

WORDS: Mapping[str, str] = {
    "ask": "train(configuration), which runs any configuration of configspace as one more trial",
    "best_estimator_": "load_best_model()",
    "best_index_": "best.number",
    "best_params": "best_config",
    "best_params_": "best_config",
    "best_result": "best",
    "best_score_": "best_score",
    "best_trial": "best",
    "best_value": "best_score",
    "cv_results_": "trials_dataframe()",
    "enqueue_trial": "AutoMAXConfig(initial_configs=({...},)), or train(configuration)",
    "fit": "optimize()",
    "get_best_hyperparameters": "best_config",
    "get_best_model": "load_best_model()",
    "get_best_result": "best",
    "get_best_trial": "best",
    "get_dataframe": "trials_dataframe()",
    "get_trials": "log, or trials_dataframe()",
    "results": "record.results, or trials_dataframe()",
    "results_summary": "summary()",
    "run": "optimize()",
    "search": "optimize()",
    "stop": "AutoMAXConfig(walltime_limit=...), target_score or patience, or Ctrl-C",
    "study": "to_optuna()",
    "tell": "AutoMAX(warm_start=...), which takes what is known from elsewhere",
    "timeout": "AutoMAXConfig(walltime_limit=...)",
    "trials": "log, or trials_dataframe()",
    "tune": "optimize()",
}
"""Another tuner's word -> ours."""


def no_such_word(owner: str, name: str) -> AttributeError:
    """An AttributeError that names our word for another tuner's.

    Args:
        owner: name of the class that was asked.
        name: one of `WORDS`.

    Example:
        >>> print(no_such_word("AutoMAX", "best_params"))
        'AutoMAX' object has no attribute 'best_params'; it is called best_config here
    """
    return AttributeError(f"{owner!r} object has no attribute {name!r}; it is called {WORDS[name]} here")
