""" Statuses and message codes of APS with their texts (protocol reference, section 9). """

from dataclasses import dataclass

SUCCESS_STATUSES = {
    'PURCHASE': '14',
    'AUTHORIZATION': '02',
    'CAPTURE': '04',
    'REFUND': '06',
    'VOID_AUTHORIZATION': '08',
    'CHECK_STATUS': '12',
    'UPDATE_TOKEN': '58',
}
FAILURE_STATUSES = {
    'PURCHASE': '13',
    'AUTHORIZATION': '03',
    'CAPTURE': '05',
    'REFUND': '07',
    'VOID_AUTHORIZATION': '09',
    'CHECK_STATUS': '11',
    'UPDATE_TOKEN': '59',
}
OPEN_STATUSES = ('15', '19', '20', '40')  # Uncertain, pending, on hold, in review.

# Texts of statuses that say more than their message code.
STATUS_TEXTS = {
    '15': ("The result is uncertain", "نتيجة العملية غير مؤكدة"),
    '19': ("The transaction is pending", "العملية معلّقة"),
    '40': ("The transaction is in review", "العملية قيد المراجعة"),
}
FALLBACK_TEXT = ("The request could not be processed", "تعذّرت معالجة الطلب")
MESSAGE_TEXTS = {
    '000': ("Success", "تمت العملية بنجاح"),
    '001': ("A mandatory parameter is missing", "معامل إلزامي مفقود"),
    '002': ("The format of a parameter is invalid", "صيغة أحد المعاملات غير صالحة"),
    '003': ("Payment option not available to this merchant", "خيار الدفع غير متاح لهذا التاجر"),
    '004': ("Invalid command", "أمر غير صالح"),
    '005': ("Invalid amount", "مبلغ غير صالح"),
    '006': ("Technical problem", "مشكلة تقنية"),
    '007': ("Duplicate order number", "رقم الطلب مكرر"),
    '008': ("Signature mismatch", "التوقيع غير مطابق"),
    '009': ("Invalid merchant identifier", "معرّف التاجر غير صالح"),
    '010': ("Invalid access code", "رمز الوصول غير صالح"),
    '011': ("Order not saved", "لم يُحفظ الطلب"),
    '012': ("Card expired", "انتهت صلاحية البطاقة"),
    '013': ("Invalid currency", "عملة غير صالحة"),
    '014': ("Inactive payment option", "خيار الدفع غير مفعّل"),
    '015': ("Inactive merchant account", "حساب التاجر غير مفعّل"),
    '016': ("Invalid card number", "رقم البطاقة غير صالح"),
    '017': ("Operation not allowed by the acquirer", "البنك المستحوذ لا يسمح بالعملية"),
    '018': ("Operation not allowed by the processor", "المعالج لا يسمح بالعملية"),
    '023': ("Currency not accepted by the acquirer", "البنك المستحوذ لا يقبل هذه العملة"),
    '024': ("Currency not accepted by the processor", "المعالج لا يقبل هذه العملة"),
    '027': ("Unexpected extra parameters", "معاملات إضافية غير متوقعة"),
    '029': ("Insufficient funds", "الرصيد غير كافٍ"),
    '030': ("Authentication failed", "فشل التحقق من الهوية"),
    '031': ("Invalid issuer", "جهة إصدار غير صالحة"),
    '032': ("The length of a parameter is invalid", "طول أحد المعاملات غير صالح"),
    '033': ("The value of a parameter is not allowed", "قيمة أحد المعاملات غير مسموح بها"),
    '034': ("Operation not allowed", "العملية غير مسموح بها"),
    '035': ("Order created", "تم إنشاء الطلب"),
    '036': ("Order not found", "الطلب غير موجود"),
    '037': ("Return URL is missing", "رابط العودة مفقود"),
    '038': ("Token service inactive", "خدمة حفظ البطاقات غير مفعّلة"),
    '039': ("No active payment option", "لا يوجد خيار دفع مفعّل"),
    '042': ("Amount above the authorized amount", "المبلغ أكبر من المبلغ المفوّض"),
    '043': ("Inactive operation", "العملية غير مفعّلة"),
    '044': ("Unknown token name", "اسم رمز البطاقة غير معروف"),
    '047': ("Order already processed", "تمت معالجة الطلب من قبل"),
    '048': ("Amount above the captured amount", "المبلغ أكبر من المبلغ المحصّل"),
    '049': ("Operation not valid for this payment option", "العملية غير صالحة لخيار الدفع هذا"),
    '050': ("Merchant's transaction limit exceeded", "تم تجاوز حد العملية المسموح للتاجر"),
    '051': ("Technical error", "خطأ تقني"),
    '054': ("The transaction cannot be processed now", "لا يمكن معالجة العملية الآن"),
    '062': ("Token created", "تم إنشاء رمز البطاقة"),
    '063': ("Token updated", "تم تحديث رمز البطاقة"),
    '064': ("3-D Secure check requested", "مطلوب التحقق الآمن ثلاثي الأبعاد"),
    '065': ("Waiting for the customer's action", "بانتظار إجراء من العميل"),
    '066': ("Merchant reference exists already", "مرجع التاجر موجود مسبقًا"),
    '067': ("Dynamic descriptor not set up", "وصف كشف الحساب غير مهيأ"),
    '072': ("Transaction cancelled by the customer", "ألغى العميل العملية"),
    '073': ("Invalid request format", "صيغة الطلب غير صالحة"),
    '074': ("Transaction failed", "فشلت العملية"),
    '079': ("Transaction challenged by the fraud rules", "أوقفت قواعد مكافحة الاحتيال العملية"),
    '080': ("Invalid payment option", "خيار دفع غير صالح"),
    '084': ("Amount outside the limits of the plan", "المبلغ خارج حدود الخطة"),
    '088': ("Token not made for this transaction", "رمز البطاقة ليس لهذه العملية"),
    '090': ("Transaction in review", "العملية قيد المراجعة"),
    '093': ("Inactive service", "الخدمة غير مفعّلة"),
    '100': ("Invalid expiry date", "تاريخ انتهاء الصلاحية غير صالح"),
    '110': ("Contradicting parameters", "معاملات متعارضة"),
    '111': ("Service not available for this option", "الخدمة غير متاحة لخيار الدفع هذا"),
    '112': ("Service not available for this operation", "الخدمة غير متاحة لهذه العملية"),
    '113': ("Service not available for this eci", "الخدمة غير متاحة لقيمة eci هذه"),
    '114': ("Token exists already", "رمز البطاقة موجود مسبقًا"),
    '123': ("Attempts exceeded", "تم تجاوز عدد المحاولات"),
    '662': ("Order not confirmed yet", "لم يتم تأكيد الطلب بعد"),
    '666': ("Transaction declined", "تم رفض العملية"),
    '773': ("Transaction closed", "العملية مغلقة"),
    '777': ("Processed, but the confirmation was not received", "تمت المعالجة ولم يصل التأكيد"),
    '778': ("Session timed out", "انتهت مهلة الجلسة"),
    '783': ("Instalments service inactive", "خدمة التقسيط غير مفعّلة"),
    '784': ("Still processing, no other transaction possible", "العملية قيد المعالجة"),
    '785': ("Blocked by the fraud check", "أوقف فحص الاحتيال العملية"),
    '787': ("User not authenticated", "لم يتم التحقق من المستخدم"),
}


@dataclass(frozen=True)
class Outcome:
    """ The result of a request: a status and a message code.

    :param str status: Two digits (section 9.1).
    :param str message: Three digits (section 9.5).
    """

    status: str
    message: str

    @property
    def code(self):
        """ Return the five digits of `response_code`. """
        return self.status + self.message

    @property
    def is_success(self):
        """ Tell whether money moved, or the question was answered. """
        return self.message == '000' and self.status in SUCCESS_STATUSES.values()

    @property
    def is_open(self):
        """ Tell whether the final result is still to come. """
        return self.status in OPEN_STATUSES

    def text(self, language='en'):
        """ Return the text of `response_message`.

        :param str language: `en` or `ar`; anything else counts as `en`.
        :return: The text, at most 150 characters.
        :rtype: str
        """
        texts = STATUS_TEXTS.get(self.status)
        texts = texts or MESSAGE_TEXTS.get(self.message, FALLBACK_TEXT)
        return texts[1 if language == 'ar' else 0]


class Refusal(Exception):
    """ A request that is not executed: `status=00` and a message code.

    :param str message: The three digits of the message code.
    :param str detail: What was wrong, for the person who reads the sandbox's own pages.
    :param bool is_authentic: Whether the request surely came from the merchant.
    """

    def __init__(self, message, detail='', is_authentic=True):
        super().__init__(f'00{message} {detail}'.strip())
        self.outcome = Outcome('00', message)
        self.detail = detail
        self.is_authentic = is_authentic


def success_of(command):
    """ Return the outcome of a command that worked. """
    return Outcome(SUCCESS_STATUSES[command], '000')


def failure_of(command, message='666'):
    """ Return the outcome of a command that was processed and failed. """
    return Outcome(FAILURE_STATUSES[command], message)


def parse_code(response_code):
    """ Return the outcome that a five-digit response code stands for.

    :param str response_code: For example ``14000``.
    :return: The outcome.
    :rtype: Outcome
    :raise ValueError: If the text is not five digits.
    """
    if not (isinstance(response_code, str) and len(response_code) == 5 and response_code.isdigit()):
        raise ValueError(f'not a response code: {response_code}')
    return Outcome(response_code[:2], response_code[2:])
