""" What can go wrong between APS and Odoo. """

import pytest

from aps import errors


def test_refusal_of_a_message_tells_the_rule():
    error = errors.APSMessageRefused("the amount is not 1", 'status=14')
    assert str(error) == "APS: the amount is not 1: status=14"
    assert error.aps_reason == "the amount is not 1"
    assert issubclass(errors.APSMessageAmbiguous, errors.APSMessageRefused)


@pytest.mark.parametrize('answer, code', (
    ({'response_code': '00008'}, '00008'), ({}, ''), ({'response_code': None}, ''),
))
def test_refusal_of_a_request_tells_the_code(answer, code):
    error = errors.APSRefused(answer)
    assert (error.answer, error.code) == (answer, code)


def test_unknown_outcome_is_not_caught_with_others():
    """ Test that nobody takes what may have been executed for what was not sent. """
    for error in (
        errors.APSUnreachable, errors.APSRefused, errors.APSOtherAccount,
        errors.APSNotConfigured, errors.APSNotConfirmed,
    ):
        assert not issubclass(errors.APSOutcomeUnknown, error)
        assert not issubclass(error, errors.APSOutcomeUnknown)
        assert issubclass(error, errors.APSError)
    assert issubclass(errors.APSOutcomeUnknown, errors.APSError)
