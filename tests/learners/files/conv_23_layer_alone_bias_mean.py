import numpy as np


class Conv2D:
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0):
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.k = kernel_size
        self.stride = stride
        self.padding = padding
        self.W = np.random.randn(out_channels, in_channels, kernel_size, kernel_size) * 0.1
        self.b = np.zeros(out_channels)

    def forward(self, x):
        self.x = x
        n, c, h, w = x.shape
        p, s, k = self.padding, self.stride, self.k
        self.xp = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        oh, ow = (h + 2 * p - k) // s + 1, (w + 2 * p - k) // s + 1
        out = np.zeros((n, self.out_channels, oh, ow))
        for i in range(oh):
            for j in range(ow):
                patch = self.xp[:, :, i * s:i * s + k, j * s:j * s + k]
                out[:, :, i, j] = np.einsum("nckl,fckl->nf", patch, self.W) + self.b
        return out

    def backward(self, grad):
        p, s, k = self.padding, self.stride, self.k
        self.dW = np.zeros_like(self.W)
        self.db = grad.mean(axis=(0, 2, 3))
        dxp = np.zeros_like(self.xp)
        for i in range(grad.shape[2]):
            for j in range(grad.shape[3]):
                patch = self.xp[:, :, i * s:i * s + k, j * s:j * s + k]
                self.dW += np.einsum("nf,nckl->fckl", grad[:, :, i, j], patch)
                dxp[:, :, i * s:i * s + k, j * s:j * s + k] += np.einsum("nf,fckl->nckl", grad[:, :, i, j], self.W)
        return dxp[:, :, p:dxp.shape[2] - p, p:dxp.shape[3] - p]


class MaxPool2D:
    def __init__(self, pool_size=2):
        self.size = pool_size

    def forward(self, x):
        n, c, h, w = x.shape
        s = self.size
        blocks = x.reshape(n, c, h // s, s, w // s, s)
        out = blocks.max(axis=(3, 5))
        self.mask = blocks == out[:, :, :, None, :, None]
        self.shape = x.shape
        return out

    def backward(self, grad):
        return (self.mask * grad[:, :, :, None, :, None]).reshape(self.shape)
