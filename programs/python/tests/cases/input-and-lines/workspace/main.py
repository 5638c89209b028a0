import sys
print(input("name? "))
for line in sys.stdin:
    print("line", line.rstrip())
