"""The tests of Stripboard. `./stripboard test` runs them."""
