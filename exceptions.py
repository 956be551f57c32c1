""" What can go wrong when APS is asked for something. """


class APSError(Exception):
    """ Base of the errors of a request to the payment API. """


class APSUnreachable(APSError):
    """ No connection was made: APS has certainly not received the request. """


class APSOutcomeUnknown(APSError):
    """ The request was sent, but no authentic answer came: APS may have executed it or not. """


class APSRefused(APSError):
    """ APS answered, authentically, that it does not execute the request. """

    def __init__(self, answer):
        """ :param dict answer: The verified answer. """
        super().__init__(answer.get('response_code'))
        self.answer = answer
        self.code = answer.get('response_code') or ''
        self.message = answer.get('response_message') or ''
