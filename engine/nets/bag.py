"""The lightest text network: which tokens there are, whatever their order."""

from torch import Tensor, nn

from engine.nets.tokens import PADDING, mean_and_max, token_embedding


class BagOfTokens(nn.Module):
    """Mean and greatest of the embeddings of a row's tokens."""

    def __init__(self, vocabulary: int, width: int) -> None:
        super().__init__()
        self.features = 2 * width
        self.tokens = token_embedding(vocabulary, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Ids int64 (N, L), 0 for padding, to (N, features); zeros for a row that is all padding."""
        return mean_and_max(self.tokens(tokens), tokens != PADDING)
