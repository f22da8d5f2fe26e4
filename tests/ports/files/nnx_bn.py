import optax
from flax import nnx


class Block(nnx.Module):
    def __init__(self, din, dout, rngs):
        self.linear = nnx.Linear(din, dout, rngs=rngs)
        self.bn = nnx.BatchNorm(dout, momentum=0.9, rngs=rngs)
        self.dropout = nnx.Dropout(0.0, rngs=rngs)

    def __call__(self, x):
        return self.dropout(nnx.relu(self.bn(self.linear(x))))


class Net(nnx.Module):
    def __init__(self, rngs):
        self.block = Block(20, 12, rngs)
        self.out = nnx.Linear(12, 10, rngs=rngs)

    def __call__(self, x):
        return self.out(self.block(x))


def main():
    model = Net(nnx.Rngs(0))
    optimizer = nnx.ModelAndOptimizer(model, optax.sgd(0.1, momentum=0.9))

    @nnx.jit
    def train_step(model, optimizer, x, y):
        def loss_fn(model):
            return optax.softmax_cross_entropy_with_integer_labels(model(x), y).mean()

        loss, grads = nnx.value_and_grad(loss_fn)(model)
        optimizer.update(grads)
        return loss

    for epoch in range(3):
        model.train()
        for x, y in train_loader():
            loss = train_step(model, optimizer, x, y)
        model.eval()


if __name__ == "__main__":
    main()
