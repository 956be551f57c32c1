""" Tests of the simulated years: a folder apart, as these say nothing about the package `aps`. """
