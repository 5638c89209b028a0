import half
print("before")
half.halve("x")
