import numpy as np

class Conv:
    def __init__(self, in_channels, num_filters, kernel_size=3, padding=1):
        self.num_filters = num_filters
        self.padding = padding
        self.kernel_size = kernel_size
        self.filters = np.random.randn(num_filters, in_channels, kernel_size, kernel_size) / (kernel_size * kernel_size)
        self.biases = np.zeros(num_filters)

    def forward(self, input):
        p, k = self.padding, self.kernel_size
        self.last_input = np.pad(input, ((0, 0), (p, p), (p, p)))
        _, h, w = self.last_input.shape
        out = np.zeros((self.num_filters, h - k + 1, w - k + 1))
        for i in range(h - k + 1):
            for j in range(w - k + 1):
                region = self.last_input[:, i:i+k, j:j+k]
                out[:, i, j] = np.sum(region * self.filters, axis=(1, 2, 3)) + self.biases
        return out

    def backprop(self, d_L_d_out, learn_rate):
        p, k = self.padding, self.kernel_size
        d_filters = np.zeros(self.filters.shape)
        d_input = np.zeros(self.last_input.shape)
        for i in range(d_L_d_out.shape[1]):
            for j in range(d_L_d_out.shape[2]):
                region = self.last_input[:, i:i+k, j:j+k]
                for f in range(self.num_filters):
                    d_filters[f] += d_L_d_out[f, i, j] * region
                    d_input[:, i:i+k, j:j+k] += d_L_d_out[f, i, j] * self.filters[f]
        self.filters -= learn_rate * d_filters
        self.biases -= learn_rate * d_L_d_out.sum(axis=(1, 2))
        if p == 0:
            return d_input
        return d_input[:, p:-p, p:-p]

class MaxPool2:
    def forward(self, input):
        self.last_input = input
        c, h, w = input.shape
        self.out = input[:, :h // 2 * 2, :w // 2 * 2].reshape(c, h // 2, 2, w // 2, 2).max(axis=(2, 4))
        return self.out
    def backprop(self, d_L_d_out):
        d = np.zeros(self.last_input.shape)
        c, h, w = self.out.shape
        for k in range(c):
            for i in range(h):
                for j in range(w):
                    region = self.last_input[k, 2*i:2*i+2, 2*j:2*j+2]
                    a, b = np.unravel_index(np.argmax(region), region.shape)
                    d[k, 2*i+a, 2*j+b] = d_L_d_out[k, i, j]
        return d

class ReLU:
    def forward(self, input):
        self.last_input = input
        return np.maximum(input, 0)
    def backprop(self, d_L_d_out):
        return d_L_d_out * (self.last_input > 0)

class Softmax:
    def __init__(self, input_len, nodes):
        self.weights = np.random.randn(input_len, nodes) / input_len
        self.biases = np.zeros(nodes)
    def forward(self, input):
        self.last_input_shape = input.shape
        self.last_input = input.flatten()
        self.totals = np.dot(self.last_input, self.weights) + self.biases
        exp = np.exp(self.totals - np.max(self.totals))
        self.out = exp / np.sum(exp)
        return self.out
    def backprop(self, label, learn_rate):
        d_t = self.out.copy()
        d_t[label] -= 1
        d_w = np.outer(self.last_input, d_t)
        d_inputs = self.weights @ d_t
        self.weights -= learn_rate * d_w
        self.biases -= learn_rate * d_t
        return d_inputs.reshape(self.last_input_shape)

conv1, relu1, pool1 = Conv(1, 8), ReLU(), MaxPool2()
conv2, relu2, pool2 = Conv(8, 8), ReLU(), MaxPool2()
softmax = Softmax(7 * 7 * 8, 10)

def forward(image, label):
    out = pool1.forward(relu1.forward(conv1.forward(image[np.newaxis] / 255. - 0.5)))
    out = pool2.forward(relu2.forward(conv2.forward(out)))
    out = softmax.forward(out)
    loss = -np.log(out[label])
    acc = int(np.argmax(out) == label)
    return out, loss, acc

def train(im, label, lr=0.005):
    out, loss, acc = forward(im, label)
    g = softmax.backprop(label, lr)
    g = conv2.backprop(relu2.backprop(pool2.backprop(g)), lr)
    conv1.backprop(relu1.backprop(pool1.backprop(g)), lr)
    return loss, acc
