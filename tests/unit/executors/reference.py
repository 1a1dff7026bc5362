#!/usr/bin/env python3
"""reference.py raydium|meteora|price|move N: random cases and what exact arithmetic makes of them.

Written from the formulas, with whole numbers of any size, and for prices with sixty digits; one case
a line, numbers in decimal:
  raydium  x y fee_ppm x_to_y in          ok out fee impact
  meteora  active step bins x y fee_ppb x_to_y in   ok out fee impact
  price    step bin                       low high      (of Q64.64, around the exact value)
  move     units decimals_in decimals_out in_is_x step held_x   y low high   (y 0: none; of Q64.64)
"""
import random
import sys
from decimal import Decimal, getcontext

random.seed(20260131)
getcontext().prec = 60


def ceil_div(a, b):
    return -(-a // b)


def log_uniform(low, high):
    """Any order of magnitude is as likely as any other."""
    bits = random.randint(low.bit_length(), high.bit_length())
    return min(max(random.getrandbits(bits), low), high)


def raydium(x, y, rate, x_to_y, amount):
    if not x_to_y:
        x, y = y, x
    fee = ceil_div(amount * rate, 10**6)
    net = amount - fee
    out = net * y // (x + net)
    return int(out > 0), out, fee, net * 10000 // (x + net)


def price_q64(step, i):
    """Squaring from the inverse of 1 + step/1e4, rounding down at each step, as meteora.h has it."""
    ratio = 2**64 + step * 2**64 // 10**4
    square, price, n = (2**128 - 1) // ratio, 2**64, abs(i)
    while n:
        if n & 1:
            price = price * square >> 64
        square = square * square >> 64
        n >>= 1
    return price if i <= 0 or price == 0 else (2**128 - 1) // price


def bin_cost(p, held, rate, x_to_y):
    """What exhausts a bin, and its fee on top."""
    most = ceil_div(held << 64, p) if x_to_y else ceil_div(p * held, 2**64)
    return most, ceil_div(most * rate, 10**9 - rate)


def bin_price(active, step, k, x_to_y):
    return price_q64(step, active - k if x_to_y else active + k)


def meteora(active, step, bins, held_x, held_y, rate, x_to_y, amount):
    left, out, fee = amount, 0, 0
    held = held_y if x_to_y else held_x
    for k in range(bins + 1):
        if left == 0:
            break
        p = bin_price(active, step, k, x_to_y)
        most, most_fee = bin_cost(p, held, rate, x_to_y)
        if left > most + most_fee:
            out, fee, left = out + held, fee + most_fee, left - most - most_fee
            continue
        f = ceil_div(left * rate, 10**9)
        n = left - f
        out, fee, left = out + min(held, p * n >> 64 if x_to_y else (n << 64) // p), fee + f, 0
    if left or not out:
        return 0, 0, 0, 0
    p, n = price_q64(step, active), amount - fee
    at_mid = p * n >> 64 if x_to_y else (n << 64) // p
    return 1, out, fee, (at_mid - out) * 10000 // at_mid


def raydium_case():
    case = (log_uniform(1, 2**62), log_uniform(1, 2**62), random.choice([0, 1, 2500, 3000, 10000]),
            random.randint(0, 1), log_uniform(1, 2**63 - 1))
    return case + raydium(*case)


def meteora_case():
    step, bins = random.choice([1, 5, 10, 25, 100]), random.choice([1, 2, 10, 100])
    span = int(22 / (step / 1e4)) - bins - 1  # e^22 is below 2^32
    case = (random.randint(-min(span, 100000), min(span, 100000)), step, bins,
            log_uniform(1, 2**62 // (bins + 1)), log_uniform(1, 2**62 // (bins + 1)),
            random.choice([0, 1, 2000000, 10000000]), random.randint(0, 1))
    amount = log_uniform(1, 2**63 - 1)
    if random.randint(0, 1):  # what exhausts some bins, give or take a unit
        active, held, rate, x_to_y = case[0], case[4] if case[6] else case[3], case[5], case[6]
        amount = random.randint(-1, 1)
        for k in range(random.randint(1, bins + 1)):
            amount += sum(bin_cost(bin_price(active, step, k, x_to_y), held, rate, x_to_y))
    case += (min(max(amount, 1), 2**63 - 1),)
    return case + meteora(*case)


def price_case():
    step = random.choice([1, 10, 25, 100, 500])
    i = random.randint(-int(22 / (step / 1e4)), int(22 / (step / 1e4)))
    exact = (1 + Decimal(step) / 10**4) ** i * 2**64
    slack = exact / 10**9 + 1
    return step, i, int(exact - slack), int(exact + slack)


def move_case():
    units, held_x = log_uniform(1, 2**63 - 1), log_uniform(1, 2**62)
    dec_in, dec_out = random.randint(0, 12), random.randint(0, 12)
    in_is_x, step = random.randint(0, 1), random.choice([1, 10, 25, 100, 500])
    over, under = units, 10 ** (12 + dec_in - dec_out)  # out for one of in, in base units
    if not in_is_x:
        over, under = under, over
    y = held_x * over // under
    price = Decimal(over) / Decimal(under) * 2**64
    slack = price * step / 19000 + price / 10**6 + 2  # half a bin, and what prices are rounded by
    return (units, dec_in, dec_out, in_is_x, step, held_x, y if y <= 2**62 else 0,
            int(price - slack), int(price + slack))


for _ in range(int(sys.argv[2])):
    print(*globals()[sys.argv[1] + "_case"]())
