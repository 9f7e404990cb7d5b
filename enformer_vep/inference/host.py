"""What crosses between the host and the device, which is what makes a GPU wait: every transfer passes here."""

import numpy as np
import numpy.typing as npt
import tensorflow as tf


class HostLink:
    """Moves arrays to the device that the model runs on, and back, and counts it.

    Attributes:
      num_sent: arrays that were moved to the device.
      num_received: arrays that were moved back; each waits until the device has computed it.
      bytes_sent: their bytes.
      bytes_received: their bytes.
    """

    def __init__(self) -> None:
        self.num_sent = self.num_received = 0
        self.bytes_sent = self.bytes_received = 0

    def send(self, array: npt.ArrayLike) -> tf.Tensor:
        """Returns the array on the device."""
        on_host = np.asarray(array)
        self.num_sent += 1
        self.bytes_sent += on_host.nbytes
        return tf.constant(on_host)

    def receive(self, tensor: tf.Tensor) -> npt.NDArray[np.generic]:
        """Returns the tensor as an array, once it is computed."""
        array: npt.NDArray[np.generic] = tensor.numpy()
        self.num_received += 1
        self.bytes_received += array.nbytes
        return array
