"""Muon: momentum whose matrices are orthogonalised before they are applied (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/)."""

import torch

#: The quintic iteration's coefficients, of the source above: steep at zero, so that five rounds bring singular values near one.
A, B, C = 3.4445, -4.7750, 2.0315


def orthogonalised(matrices, rounds=5):
    """Newton–Schulz iteration on [N, rows, columns] with rows <= columns: singular values go to about one. In bfloat16 as the source has it, but
    on a CPU in float32: where it does not multiply bfloat16 natively, this alone took five sixths of a step."""
    x = matrices / (matrices.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    x = x if x.device.type == "cpu" else x.bfloat16()
    for _ in range(rounds):
        gram = x @ x.mT
        x = A * x + torch.baddbmm(B * gram, gram, gram, beta=1, alpha=C) @ x
    return x


class Muon(torch.optim.Optimizer):
    """Steps of Muon for matrices; those of one shape are orthogonalised together."""

    def __init__(self, parameters, lr, momentum=.95, weight_decay=.0):
        super().__init__(list(parameters), {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        """Nesterov momentum, orthogonalised, scaled by sqrt(max(1, rows / columns))."""
        for group in self.param_groups:
            alike = {}
            for p in group["params"]:
                if p.grad is None:  # a variant without patches leaves their projector alone
                    continue
                average = self.state[p].setdefault("momentum", torch.zeros_like(p))
                average.lerp_(p.grad, 1 - group["momentum"])
                update = p.grad.lerp(average, group["momentum"])
                wide = p.shape[0] <= p.shape[1]
                alike.setdefault((min(p.shape), max(p.shape)), []).append((p, update if wide else update.mT, wide))
            for entries in alike.values():
                updates = orthogonalised(torch.stack([u for _, u, _ in entries])).to(entries[0][0].dtype)
                for (p, _, wide), update in zip(entries, updates):
                    p.mul_(1 - group["lr"] * group["weight_decay"])
                    p.add_(update if wide else update.mT, alpha=-group["lr"] * max(1, p.shape[0] / p.shape[1]) ** .5)
