module github.com/ben-ng/gaggle

go 1.26
