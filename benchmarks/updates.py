"""LibAUC's losses and optimizers with one more dimension, the network's place in a stack; see `stacked`."""

from __future__ import annotations

import math

import torch
from networks import Networks
from torch import Tensor
from torch.nn.functional import binary_cross_entropy, binary_cross_entropy_with_logits

Hyper = dict[str, Tensor]


class Update:
    """A training step of a stack: loss, gradients, and the optimizer's update of each network.

    Args:
        networks: the stack.
        hyper: hyperparameters by name, (C,).
        length: number of training samples.
        positives: positives of a batch, which come first in it.
    """

    clip = 1.0

    def __init__(self, networks: Networks, hyper: Hyper, length: int, positives: int) -> None:
        self.networks, self.hyper, self.positives = networks, hyper, positives
        self.lr = hyper["lr"].clone()
        self.is_finite = torch.ones(networks.count, dtype=torch.bool)
        self.parameters = list(networks.weights)
        self.u = torch.zeros(networks.count, length)
        self.steps = 0

    def step(self, logits: Tensor, targets: Tensor, index: Tensor) -> None:
        """Train on a batch."""
        losses = self.losses(logits, targets, index)
        self.is_finite &= torch.isfinite(losses.detach())
        gradients = torch.autograd.grad(losses.sum(), self.parameters)
        self.steps += 1
        with torch.no_grad():
            self.update([torch.clamp(g, -self.clip, self.clip) for g in gradients])

    def decay(self, factor: float) -> None:
        """Divide the learning rates."""
        self.lr /= factor

    def losses(self, logits: Tensor, targets: Tensor, index: Tensor) -> Tensor:
        """The loss of each network, (C,)."""
        raise NotImplementedError

    def update(self, gradients: list[Tensor]) -> None:
        """Change the parameters."""
        raise NotImplementedError

    def along(self, values: Tensor) -> list[Tensor]:
        """A value of each network in the shape of each parameter."""
        return [*self.networks.along(values), *[values] * (len(self.parameters) - len(self.networks.weights))]


class Pairwise(Update):
    """Losses over the pairs of a batch, under Adam: SOAP, SOPAs and SOTAs in their default mode."""

    def __init__(self, networks: Networks, hyper: Hyper, length: int, positives: int) -> None:
        super().__init__(networks, hyper, length, positives)
        self.first = [torch.zeros_like(p) for p in self.parameters]
        self.second = [torch.zeros_like(p) for p in self.parameters]

    def surrogate(self, scores: Tensor, among: Tensor) -> Tensor:
        """The squared hinge of each positive against the others, (C, positives, others)."""
        gaps = scores[:, : self.positives, None] - among[:, None, :]
        return torch.relu(self.hyper["margin"][:, None, None] - gaps) ** 2

    def moving(self, name: str, old: Tensor, new: Tensor) -> Tensor:
        """``(1 - gamma) old + gamma new``."""
        gamma = self.hyper[name].reshape(-1, *[1] * (new.ndim - 1))
        return (1 - gamma) * old + gamma * new

    def update(self, gradients: list[Tensor]) -> None:
        """Adam with L2 regularisation."""
        correction = math.sqrt(1 - 0.999**self.steps)
        sizes, decays = self.along(self.lr / (1 - 0.9**self.steps)), self.along(self.hyper["weight_decay"])
        for p, g, m, v, size, decay in zip(self.parameters, gradients, self.first, self.second, sizes, decays, strict=True):
            g = g + decay * p
            m.mul_(0.9).add_(g, alpha=0.1)
            v.mul_(0.999).addcmul_(g, g, value=0.001)
            p.sub_(size * m / (v.sqrt() / correction).add_(1e-8))


class AveragePrecision(Pairwise):
    """`AveragePrecisionLoss` with SOAP."""

    def __init__(self, networks: Networks, hyper: Hyper, length: int, positives: int) -> None:
        super().__init__(networks, hyper, length, positives)
        self.u_pos = torch.zeros_like(self.u)

    def losses(self, logits: Tensor, targets: Tensor, index: Tensor) -> Tensor:
        """The loss of each network, (C,)."""
        scores, own = torch.sigmoid(logits), index[: self.positives]
        surrogate = self.surrogate(scores, scores)
        with torch.no_grad():
            self.u[:, own] = everyone = self.moving("gamma", self.u[:, own], surrogate.mean(2))
            share = surrogate[:, :, : self.positives].sum(2) / surrogate.shape[2]
            self.u_pos[:, own] = positive = self.moving("gamma", self.u_pos[:, own], share)
            weight = positive[:, :, None].repeat(1, 1, surrogate.shape[2])
            weight[:, :, : self.positives] -= everyone[:, :, None]
            weight /= everyone[:, :, None] ** 2
        return (weight * surrogate).mean((1, 2))


class OneWay(Pairwise):
    """`pAUC_DRO_Loss` with SOPAs."""

    clip = 2.0

    def losses(self, logits: Tensor, targets: Tensor, index: Tensor) -> Tensor:
        """The loss of each network, (C,)."""
        scores, own = torch.sigmoid(logits), index[: self.positives]
        surrogate = self.surrogate(scores, scores[:, self.positives :])
        with torch.no_grad():
            weight = torch.exp(surrogate / self.hyper["Lambda"][:, None, None])
            self.u[:, own] = mean = self.moving("gamma", self.u[:, own], weight.mean(2))
            weight /= mean[:, :, None]
        return (weight * surrogate).mean((1, 2))


class TwoWay(Pairwise):
    """`tpAUC_KL_Loss` with SOTAs."""

    def __init__(self, networks: Networks, hyper: Hyper, length: int, positives: int) -> None:
        super().__init__(networks, hyper, length, positives)
        self.outer = torch.zeros(networks.count)

    def losses(self, logits: Tensor, targets: Tensor, index: Tensor) -> Tensor:
        """The loss of each network, (C,)."""
        scores, own = torch.sigmoid(logits), index[: self.positives]
        surrogate = self.surrogate(scores, scores[:, self.positives :])
        with torch.no_grad():
            power = (self.hyper["Lambda"] / self.hyper["tau"])[:, None]
            weight = torch.exp(surrogate / self.hyper["Lambda"][:, None, None])
            self.u[:, own] = mean = self.moving("gammas", self.u[:, own], weight.mean(2))
            self.outer = self.moving("gammas", self.outer, (mean**power).mean(1))
            weight *= (mean ** (power - 1) / self.outer[:, None])[:, :, None]
        return (weight * surrogate).mean((1, 2))


class CrossEntropy(Update):
    """`CrossEntropyLoss` with SGD."""

    def __init__(self, networks: Networks, hyper: Hyper, length: int, positives: int) -> None:
        super().__init__(networks, hyper, length, positives)
        self.buffers = [torch.zeros_like(p) for p in self.parameters]

    def losses(self, logits: Tensor, targets: Tensor, index: Tensor) -> Tensor:
        """The loss of each network, (C,)."""
        return binary_cross_entropy_with_logits(logits, targets.expand_as(logits), reduction="none").mean(1)

    def update(self, gradients: list[Tensor]) -> None:
        """SGD with heavy-ball momentum."""
        columns = (self.along(values) for values in (self.lr, self.hyper["momentum"], self.hyper["weight_decay"]))
        for p, g, buffer, lr, momentum, decay in zip(self.parameters, gradients, self.buffers, *columns, strict=True):
            buffer.mul_(momentum).add_(g).add_(decay * p)
            p.sub_(lr * buffer)


class Margin(Update):
    """`AUCMLoss` with PESG: the dual variables a and b descend with the weights, alpha ascends."""

    def __init__(self, networks: Networks, hyper: Hyper, length: int, positives: int) -> None:
        super().__init__(networks, hyper, length, positives)
        self.a, self.b = (torch.zeros(networks.count, requires_grad=True) for _ in range(2))
        self.alpha = torch.zeros(networks.count)
        self.parameters += [self.a, self.b]
        self.references = self._references()
        self.sums = [torch.zeros_like(p) for p in self.parameters]
        self.buffers = [torch.zeros_like(p) for p in self.parameters]
        self.since = 0

    def _references(self) -> list[Tensor]:
        """LibAUC draws one reference for each parameter, in the parameter's own shape."""
        generator = torch.Generator().manual_seed(0)
        found = []
        for number, p in enumerate(self.networks.weights):
            shape = (p.shape[2], p.shape[0 if number == 0 else 1]) if number % 2 == 0 else (p.shape[2],)
            drawn = torch.empty(shape).normal_(mean=0, std=0.01, generator=generator)
            laid = drawn.t()[:, None, :] if number == 0 else drawn.t()[None] if number % 2 == 0 else drawn[None, None]
            found.append(laid.expand_as(p).clone())
        found += [torch.empty(1).normal_(mean=0, std=0.01, generator=generator).repeat(self.networks.count) for _ in range(2)]
        return found

    def losses(self, logits: Tensor, targets: Tensor, index: Tensor) -> Tensor:
        """The loss of each network, (C,)."""
        return self.margin_loss(torch.sigmoid(logits))

    def margin_loss(self, scores: Tensor) -> Tensor:
        """LibAUC's version v1, (C,)."""
        size = scores.shape[1]
        share = self.positives / size
        positive, negative = scores[:, : self.positives], scores[:, self.positives :]
        around_a, around_b = ((positive - self.a[:, None]) ** 2).sum(1), ((negative - self.b[:, None]) ** 2).sum(1)
        spread = ((1 - share) * around_a + share * around_b) / size
        gap = (share * negative.sum(1) - (1 - share) * positive.sum(1)) / size
        rest = share * (1 - share)
        return spread + 2 * self.alpha * (rest * self.hyper["margin"] + gap) - rest * self.alpha**2

    def directions(self, gradients: list[Tensor]) -> list[Tensor]:
        """Gradients, the pull to the reference and L2 regularisation."""
        pulls, decays = self.along(self.hyper["epoch_decay"]), self.along(self.hyper["weight_decay"])
        rows = zip(self.parameters, gradients, self.references, pulls, decays, strict=True)
        return [g + pull * (p - reference) + decay * p for p, g, reference, pull, decay in rows]

    def ascend(self, size: Tensor) -> None:
        """Alpha's own step."""
        self.alpha = torch.clamp(self.alpha + size * 2 * (self.hyper["margin"] + self.b - self.a - self.alpha), 0, 999)

    def update(self, gradients: list[Tensor]) -> None:
        """PESG in its default mode."""
        columns = (self.along(values) for values in (self.lr, self.hyper["momentum"]))
        found = self.directions(gradients)
        for p, d, buffer, total, lr, momentum in zip(self.parameters, found, self.buffers, self.sums, *columns, strict=True):
            buffer.copy_(d) if self.steps == 1 else buffer.lerp_(d, momentum.expand_as(d))
            p.sub_(lr * buffer)
            total.add_(p)
        self.since += 1
        self.ascend(self.lr)

    def decay(self, factor: float) -> None:
        """Divide the learning rates; the mean of the weights becomes the reference."""
        super().decay(factor)
        self.references = [total / self.since for total in self.sums]
        self.sums = [torch.zeros_like(p) for p in self.parameters]
        self.since = 0


class Compositional(Margin):
    """`CompositionalAUCLoss` with PDSCA: k steps of cross-entropy, then k of the margin loss."""

    def __init__(self, networks: Networks, hyper: Hyper, length: int, positives: int) -> None:
        super().__init__(networks, hyper, length, positives)
        self.moved = [torch.zeros_like(p) for p in self.parameters]
        self.first_lr = self.lr.clone()

    def decay(self, factor: float) -> None:
        """Divide both learning rates, as LibAUC's tutorial does."""
        super().decay(factor)
        self.first_lr /= factor

    @property
    def is_entropy(self) -> Tensor:
        """Whose step it is, (C,)."""
        return torch.remainder(torch.full_like(self.lr, self.steps), 2 * self.hyper["k"]) < self.hyper["k"]

    def losses(self, logits: Tensor, targets: Tensor, index: Tensor) -> Tensor:
        """The loss of each network, (C,)."""
        scores = torch.sigmoid(logits)
        entropy = binary_cross_entropy(scores, targets.expand_as(scores), reduction="none").mean(1)
        self.turn = self.is_entropy
        return torch.where(self.turn, entropy, self.margin_loss(scores))

    def update(self, gradients: list[Tensor]) -> None:
        """PDSCA: one moving average over the weights for its inner steps, one over the gradients for its outer ones."""
        first_inner, first_outer = self.steps == 1, (self.steps - 1 == self.hyper["k"])
        columns = (self.along(values) for values in (self.lr, self.first_lr, self.turn, first_outer))
        rows = zip(self.parameters, self.directions(gradients), self.moved, self.buffers, self.sums, *columns, strict=True)
        for number, (p, d, moved, buffer, total, lr, first_lr, inner, first) in enumerate(rows):
            is_dual = number >= len(self.networks.weights)
            stepped = p - first_lr * d
            averaged = stepped if first_inner else 0.01 * moved + 0.99 * stepped
            momentum = torch.where(first, d, (1 - 0.999) * buffer + 0.999 * d)
            buffer.copy_(torch.where(inner, buffer, momentum))
            if is_dual:  # they have no gradient in an inner step
                p.copy_(torch.where(inner, p, p - lr * momentum))
                total.add_(torch.where(inner, 0.0, p))
                continue
            moved.copy_(torch.where(inner, averaged, moved))
            p.copy_(torch.where(inner, averaged, p - lr * momentum))
            total.add_(p)
        self.since += 1
        before = self.alpha
        self.ascend(self.lr)
        self.alpha = torch.where(self.turn, before, self.alpha)


KINDS: dict[str, type[Update]] = {
    "AUCMLoss": Margin,
    "CompositionalAUCLoss": Compositional,
    "APLoss": AveragePrecision,
    "pAUC_DRO_Loss": OneWay,
    "tpAUC_KL_Loss": TwoWay,
    "CrossEntropyLoss": CrossEntropy,
}
