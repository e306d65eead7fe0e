"""The tables of a results folder: how rows are made from runs, and views of them."""
