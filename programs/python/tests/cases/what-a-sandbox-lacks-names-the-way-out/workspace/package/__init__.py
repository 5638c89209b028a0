import package._native
