def halve(number):
    return number / 2
