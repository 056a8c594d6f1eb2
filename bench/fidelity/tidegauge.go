package fidelity

// models are what is judged: the product's first.
func models() []model { return rivals() }
