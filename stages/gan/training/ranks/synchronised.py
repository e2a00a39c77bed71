"""Synchronised batch normalisation: over a batch that is divided among several ranks.

Every rank normalises by the moments of the whole batch. So the ranks compute together what one
process would compute, and their running statistics are equal.
"""

from mindspore import nn, ops

from stages.gan.layers import BatchNorm
from stages.gan.training.ranks.group import Group


class SynchronisedNormaliseRows(nn.Cell):
    """`layers._NormaliseRows` over the rows of all ranks; every rank has equally many.

    The moments of all parts are gathered in one exchange and combined as in Chan et al. 1979: the
    deviations within the parts, and the deviations of the parts' means. Each is a sum of squares
    about its own mean, so no digits are lost where a mean is large. Every rank adds the same
    numbers in the same order, and so has the same bits.

    The gradients of gamma and beta are those of this rank's rows; they are summed over the ranks
    with all other gradients. The gradient of x is that of the sum of all ranks' losses.

    Parameters
    ----------
    epsilon : float
    group : Group
    """

    def __init__(self, epsilon: float, group: Group) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.ranks = group.size
        self.sum = ops.ReduceSum(True)
        self.join = ops.Concat(0)
        self.slice = ops.Slice()
        self.gather = ops.AllGather()
        self.add_up = ops.AllReduce(ops.ReduceOp.SUM)

    def construct(self, x, gamma, beta):
        rows, features = x.shape
        own_mean = self.sum(x, 0) * (1.0 / rows)
        own_rest = x - own_mean
        own = self.join((own_mean, self.sum(own_rest * own_rest, 0)))
        gathered = ops.reshape(self.gather(own), (self.ranks, 2 * features))
        means = self.slice(gathered, (0, 0), (self.ranks, features))
        within = self.slice(gathered, (0, features), (self.ranks, features))
        mean = self.sum(means, 0) * (1.0 / self.ranks)
        between = means - mean
        squares = self.sum(within, 0) + self.sum(between * between, 0) * float(rows)
        variance = squares * (1.0 / (rows * self.ranks))
        centred = x - mean
        inverse = ops.rsqrt(variance + self.epsilon)
        factor = inverse * gamma
        return centred * factor + beta, centred, inverse, factor, mean, variance

    def bprop(self, x, gamma, beta, out, dout):
        rows, features = x.shape
        scale = 1.0 / (rows * self.ranks)
        dy = dout[0]
        centred = out[1]
        inverse = out[2]
        factor = out[3]
        dbeta = self.sum(dy, 0)
        dgamma = self.sum(dy * centred, 0) * inverse
        of_all = self.add_up(self.join((dbeta, dgamma)))
        all_dbeta = self.slice(of_all, (0, 0), (1, features))
        all_dgamma = self.slice(of_all, (1, 0), (1, features))
        dx = (dy - (centred * (all_dgamma * inverse * scale) + all_dbeta * scale)) * factor
        return dx, ops.reshape(dgamma, gamma.shape), ops.reshape(dbeta, beta.shape)


def synchronise(network: nn.Cell, group: Group) -> None:
    """Let every batch norm of a network normalise by the whole batch's moments.

    Batch norm then uses single operators, because compiled kernels cannot exchange data. Call it
    before the network is first used in a jitted function.
    """
    for _, cell in list(network.cells_and_names()):
        if isinstance(cell, BatchNorm):
            cell.normalise = SynchronisedNormaliseRows(cell.epsilon, group)
            cell.ranks = group.size
            if hasattr(cell, "use_plain_operators"):
                cell.use_plain_operators()
