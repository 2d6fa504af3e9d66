"""From the record of a search to what a person reads: tables, figures, an Optuna study, one HTML page. Needs no torch.

The tables need nothing more than the search does; figures, study and page need the extra ``report`` and are imported late.
"""

from automax_lightning.report.tables import arm_table, seed_table, summary, trial_table, trials_dataframe

__all__ = ["arm_table", "seed_table", "summary", "trial_table", "trials_dataframe"]
