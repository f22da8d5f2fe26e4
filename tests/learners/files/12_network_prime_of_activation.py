import numpy as np
import random
import pickle, gzip

def sigmoid(z):
    return 1.0/(1.0+np.exp(-z))

def sigmoid_prime(z):
    return sigmoid(z)*(1-sigmoid(z))

class Network:

    def __init__(self, sizes):
        self.sizes = sizes
        self.num_layers = len(sizes)
        self.biases = [np.random.randn(y,1) for y in sizes[1:]]
        self.weights = [np.random.randn(y,x) for x,y in zip(sizes[:-1],sizes[1:])]

    def feedforward(self, a):
        for b,w in zip(self.biases, self.weights):
            a = sigmoid(np.dot(w,a)+b)
        return a

    def SGD(self, training_data, epochs, mini_batch_size, eta):
        for i in range(epochs):
            random.shuffle(training_data)
            for k in range(0, len(training_data), mini_batch_size):
                self.update_mini_batch(training_data[k:k+mini_batch_size], eta)
            print("epoch", i, "done")

    def update_mini_batch(self, mini_batch, eta):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        for x,y in mini_batch:
            dnb, dnw = self.backprop(x,y)
            nabla_b = [nb+d for nb,d in zip(nabla_b,dnb)]
            nabla_w = [nw+d for nw,d in zip(nabla_w,dnw)]
        self.weights = [w-(eta/len(mini_batch))*nw for w,nw in zip(self.weights,nabla_w)]
        self.biases = [b-(eta/len(mini_batch))*nb for b,nb in zip(self.biases,nabla_b)]

    def backprop(self, x, y):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        activations = [x]
        for b,w in zip(self.biases,self.weights):
            activations.append(sigmoid(np.dot(w,activations[-1])+b))
        delta = self.cost_derivative(activations[-1],y) * sigmoid_prime(activations[-1])
        nabla_b[-1] = delta
        nabla_w[-1] = np.dot(delta,activations[-2].T)
        for l in range(2,self.num_layers):
            delta = np.dot(self.weights[-l+1].T,delta) * sigmoid_prime(activations[-l])
            nabla_b[-l] = delta
            nabla_w[-l] = np.dot(delta,activations[-l-1].T)
        return nabla_b, nabla_w

    def cost_derivative(self, output, y):
        return output-y

def vectorize(j):
    e = np.zeros((10,1))
    e[j] = 1.0
    return e

if __name__ == '__main__':
    f = gzip.open('mnist.pkl.gz','rb')
    tr, va, te = pickle.load(f, encoding='latin1')
    data = [(np.reshape(x,(784,1)), vectorize(y)) for x,y in zip(tr[0],tr[1])]
    net = Network([784,30,10])
    net.SGD(data,30,10,3.0)
