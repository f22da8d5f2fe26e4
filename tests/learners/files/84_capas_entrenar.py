import numpy as np
from sklearn.datasets import make_circles

# CLASE DE LA CAPA DE LA RED
class capa_neuronal():
  def __init__(self, n_conexiones, n_neuronas, funcion_activacion):
    self.funcion_activacion = funcion_activacion
    self.b = np.random.rand(1, n_neuronas) * 2 - 1
    self.W = np.random.rand(n_conexiones, n_neuronas) * 2 - 1

# FUNCIONES DE ACTIVACION
sigmoide = (lambda x: 1 / (1 + np.e ** (-x)),
            lambda x: x * (1 - x))

relu = lambda x: np.maximum(0, x)

def crear_red_neuronal(topologia, funcion_activacion):
  red_neuronal = []
  for l, capa in enumerate(topologia[:-1]):
    red_neuronal.append(capa_neuronal(topologia[l], topologia[l+1], funcion_activacion))
  return red_neuronal

# FUNCION DE COSTE
coste_l2 = (lambda Yp, Yr: np.mean((Yp - Yr) ** 2),
            lambda Yp, Yr: (Yp - Yr))

def entrenar(red_neuronal, X, Y, funcion_coste, tasa_aprendizaje=0.5, entrenar=True):
  # Forward pass
  salida = [(None, X)]
  for l, capa in enumerate(red_neuronal):
    z = salida[-1][1] @ red_neuronal[l].W + red_neuronal[l].b
    a = red_neuronal[l].funcion_activacion[0](z)
    salida.append((z, a))

  if entrenar:
    # Backward pass
    deltas = []
    for l in reversed(range(0, len(red_neuronal))):
      z = salida[l+1][0]
      a = salida[l+1][1]
      if l == len(red_neuronal) - 1:
        # Calcular delta ultima capa
        deltas.insert(0, funcion_coste[1](a, Y) * red_neuronal[l].funcion_activacion[1](a))
      else:
        # Calcular delta respecto a capa previa
        deltas.insert(0, deltas[0] @ _W.T * red_neuronal[l].funcion_activacion[1](a))
      _W = red_neuronal[l].W

      # Gradient descent
      red_neuronal[l].b = red_neuronal[l].b - np.mean(deltas[0], axis=0, keepdims=True) * tasa_aprendizaje
      red_neuronal[l].W = red_neuronal[l].W - salida[l][1].T @ deltas[0] * tasa_aprendizaje

  return salida[-1][1]

n = 500
p = 2
X, Y = make_circles(n_samples=n, factor=0.5, noise=0.05)
Y = Y[:, np.newaxis]
topologia = [p, 4, 8, 1]
red_neuronal = crear_red_neuronal(topologia, sigmoide)
loss = []
for i in range(2500):
  pY = entrenar(red_neuronal, X, Y, coste_l2, tasa_aprendizaje=0.05)
  if i % 25 == 0:
    loss.append(coste_l2[0](pY, Y))
