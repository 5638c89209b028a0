"""Splits a number in two, by one of three methods that are good at different numbers."""

import math
import sys


def trial(number):
    """Good where one factor is small."""
    divisor = 2
    while number % divisor:
        divisor += 1
    return divisor


def fermat(number):
    """Good where the factors are close to each other."""
    root = math.isqrt(number - 1) + 1
    while True:
        rest = root * root - number
        side = math.isqrt(rest)
        if side * side == rest:
            return root - side
        root += 1


def rho(number):
    """Good in between."""
    slow = fast = 2
    while True:
        slow = (slow * slow + 1) % number
        fast = (fast * fast + 1) % number
        fast = (fast * fast + 1) % number
        divisor = math.gcd(slow - fast, number)
        if divisor != 1:
            return divisor


number = int(sys.argv[2])
divisor = {"trial": trial, "fermat": fermat, "rho": rho}[sys.argv[1]](number)
if divisor in (1, number):
    sys.exit(f"{number} was not split")
print(f"{number} = {min(divisor, number // divisor)} * {max(divisor, number // divisor)}")
