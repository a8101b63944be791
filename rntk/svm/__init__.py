"""Support vector machines on Grams, and the search for a kernel's hyperparameters and C: labels and Grams, nothing of a study.

`solver` is the problem of one pair of classes, compiled; `machine` the pairs of many classes, over C; `folds` divides a
training set; `grams` checks what a kernel returns; `scores` is cross-validation over a grid; `search` the choice;
`classification` all of it, as the estimators share it.
"""
