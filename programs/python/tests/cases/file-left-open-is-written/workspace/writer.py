file = open("left.txt", "w")
file.write("left")
