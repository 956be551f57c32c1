""" Faults that tests order: what goes wrong, for which command, how often. """

from dataclasses import asdict, dataclass

API_FAULTS = (
    'timeout_before', 'timeout_after', 'error_500', 'error_500_after', 'wrong_signature', 'slow',
    'garbage', 'xml', 'close', 'close_before', 'answer',
)
NOTIFICATION_FAULTS = ('hold', 'drop', 'duplicate', 'delay', 'corrupt', 'reorder')
# Faults that strike before the request is executed.
BEFORE = ('timeout_before', 'error_500', 'close_before')
DEFAULT_SECONDS = {'timeout_before': 90, 'timeout_after': 90, 'slow': 3, 'delay': 5}
ANY = '*'


@dataclass
class Fault:
    """ One ordered fault.

    :param str command: The command it waits for: of the API, `NOTIFICATION`, or `*` for any API
        command.
    :param str fault: What goes wrong.
    :param int times: How often it still happens.
    :param float seconds: How long, for those that take time.
    :param str merchant_reference: The only reference it is for, if any.
    :param str response_code: What is answered, for `answer`.
    """

    command: str
    fault: str
    times: int = 1
    seconds: float = 0
    merchant_reference: str = ''
    response_code: str = ''

    def __post_init__(self):
        known = NOTIFICATION_FAULTS if self.command == 'NOTIFICATION' else API_FAULTS
        if self.fault not in known:
            raise ValueError(f"fault must be one of {', '.join(known)}")
        self.seconds = self.seconds or DEFAULT_SECONDS.get(self.fault, 0)

    def fits(self, command, merchant_reference):
        """ Tell whether the fault is for this message. """
        is_command = self.command == command or (self.command == ANY and command != 'NOTIFICATION')
        return is_command and self.merchant_reference in ('', merchant_reference)


class FaultQueue:
    """ The ordered faults, first come, first served. The caller holds the sandbox's lock. """

    def __init__(self):
        self.faults = []

    def add(self, **values):
        """ Order a fault.

        :param dict values: The values of the fault.
        :return: The fault.
        :rtype: Fault
        :raise ValueError: If it is not a known one.
        """
        try:
            fault = Fault(**values)
        except TypeError as error:
            raise ValueError(str(error)) from error
        self.faults.append(fault)
        return fault

    def take(self, command, merchant_reference=''):
        """ Return the next fault for a message and count it down.

        :param str command: The command of the API, or `NOTIFICATION`.
        :param str merchant_reference: The reference of the message.
        :return: The fault, or `None`.
        :rtype: Fault
        """
        for fault in self.faults:
            if fault.fits(command, merchant_reference):
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
                return fault
        return None

    def describe(self):
        """ Return the waiting faults for the control API. """
        return [asdict(fault) for fault in self.faults]
