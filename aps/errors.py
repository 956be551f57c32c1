""" What can go wrong between APS and us. """


class APSMessageRefused(Exception):
    """ An authentic message is about something else than the payment that it names. """

    def __init__(self, reason, description):
        """
        :param str reason: The rule that refuses the message, for the trail.
        :param str description: The message, as it may be logged.
        """
        super().__init__(f"APS: {reason}: {description}")
        self.aps_reason = reason


class APSMessageAmbiguous(APSMessageRefused):
    """ An authentic message doesn't prove what it says, so APS has to be asked. """


class APSError(Exception):
    """ Base of the errors of a request to the payment API. """


class APSUnreachable(APSError):
    """ No connection was made: APS has certainly not received the request. """


class APSNotConfigured(APSUnreachable):
    """ Nothing was sent, as the provider is disabled or lacks its credentials. """


class APSNotConfirmed(APSUnreachable):
    """ Nothing was sent, as the database may be a copy. The text is meant for users. """


class APSOtherAccount(APSError):
    """ Nothing was sent, as the provider is for another merchant account than the payment. """


class APSOutcomeUnknown(APSError):
    """ The request was sent, but no authentic answer came: APS may have executed it or not. """


class APSRefused(APSError):
    """ APS answered, authentically, that it does not execute the request. """

    def __init__(self, answer):
        """ :param dict answer: The verified answer. """
        super().__init__(answer.get('response_code'))
        self.answer = answer
        self.code = answer.get('response_code') or ''
