from flax import nnx
import jax
import optax


class Model(nnx.Module):
    def __init__(self, rngs):
        self.hidden = nnx.Linear(784, 30, rngs=rngs)
        self.a_out = nnx.Linear(30, 10, rngs=rngs)

    def __call__(self, x):
        return self.a_out(jax.nn.relu(self.hidden(x)))


def loss_fn(model, x, y):
    return optax.softmax_cross_entropy_with_integer_labels(model(x), y).mean()


@nnx.jit
def train_step(model, opt, x, y):
    loss, grads = nnx.value_and_grad(loss_fn)(model, x, y)
    opt.update(model, grads)
    return loss


def main():
    model = Model(nnx.Rngs(params=1))
    opt = nnx.Optimizer(model, optax.chain(optax.clip_by_global_norm(1000.0), optax.adam(3e-3, eps=1e-7)), wrt=nnx.Param)
    for _ in range(10):
        for x, y in get_batches():
            loss = train_step(model, opt, x, y)


if __name__ == "__main__":
    main()
