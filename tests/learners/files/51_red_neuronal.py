import numpy as np

# Red neuronal con una capa oculta, descenso por gradiente con mini-lotes.
# El error baja muy lento, los sesgos casi no se mueven.

class RedNeuronal:

    def __init__(self, entradas, ocultas, salidas):
        self.pesos1 = np.random.randn(entradas, ocultas) * 0.1
        self.sesgo1 = np.zeros((1, ocultas))
        self.pesos2 = np.random.randn(ocultas, salidas) * 0.1
        self.sesgo2 = np.zeros((1, salidas))

    def sigmoide(self, z):
        return 1 / (1 + np.exp(-z))

    def adelante(self, X):
        self.z1 = np.dot(X, self.pesos1) + self.sesgo1
        self.a1 = self.sigmoide(self.z1)
        self.z2 = np.dot(self.a1, self.pesos2) + self.sesgo2
        self.a2 = self.sigmoide(self.z2)
        return self.a2

    def costo(self, X, Y):
        salida = self.adelante(X)
        return 0.5 * np.sum((salida - Y) ** 2) / X.shape[0]

    def atras(self, X, Y):
        n = X.shape[0]
        delta2 = (self.a2 - Y) / n * self.a2 * (1 - self.a2)
        delta1 = np.dot(delta2, self.pesos2.T) * self.a1 * (1 - self.a1)
        self.d_pesos2 = np.dot(self.a1.T, delta2)
        self.d_sesgo2 = np.mean(delta2, axis=0, keepdims=True)
        self.d_pesos1 = np.dot(X.T, delta1)
        self.d_sesgo1 = np.mean(delta1, axis=0, keepdims=True)

    def actualizar(self, tasa):
        self.pesos1 -= tasa * self.d_pesos1
        self.sesgo1 -= tasa * self.d_sesgo1
        self.pesos2 -= tasa * self.d_pesos2
        self.sesgo2 -= tasa * self.d_sesgo2

    def entrenar(self, X, Y, epocas, lote, tasa):
        for epoca in range(epocas):
            for i in range(0, len(X), lote):
                self.adelante(X[i:i + lote])
                self.atras(X[i:i + lote], Y[i:i + lote])
                self.actualizar(tasa)
            if epoca % 10 == 0:
                print('época', epoca, 'costo', self.costo(X, Y))


if __name__ == '__main__':
    datos = np.loadtxt('semillas.txt')
    X = datos[:, :7]
    X = (X - X.min(axis=0)) / (X.max(axis=0) - X.min(axis=0))
    Y = np.eye(3)[datos[:, 7].astype(int) - 1]
    red = RedNeuronal(7, 12, 3)
    red.entrenar(X, Y, 500, 30, 1.0)
