""" The words of the payment page, in English and Arabic. """

TEXTS = {
    'title': ("Secure payment", "دفع آمن"),
    'sandbox': ("Sandbox: no real money is moved", "بيئة تجريبية: لا يتم تحويل أموال حقيقية"),
    'order': ("Order", "الطلب"),
    'reference': ("Reference", "المرجع"),
    'description': ("Description", "الوصف"),
    'to_pay': ("Amount to pay", "المبلغ المستحق"),
    'to_reserve': ("Amount to reserve", "المبلغ المراد حجزه"),
    'pay_with': ("Pay with", "الدفع بواسطة"),
    'card': ("Card", "بطاقة"),
    'card_number': ("Card number", "رقم البطاقة"),
    'expiry_date': ("Expiry date", "تاريخ الانتهاء"),
    'expiry_hint': ("MM/YY", "MM/YY"),
    'card_security_code': ("Security code", "رمز الأمان"),
    'card_holder_name': ("Name on card", "الاسم على البطاقة"),
    'remember_me': (
        "Save this card for my next purchase", "احفظ هذه البطاقة لعمليات الشراء القادمة",
    ),
    'saved_card': ("Saved card", "البطاقة المحفوظة"),
    'pay': ("Pay", "ادفع"),
    'reserve': ("Reserve", "احجز"),
    'cancel': ("Cancel and return to the shop", "إلغاء والعودة إلى المتجر"),
    'leave': ("Return to the shop", "العودة إلى المتجر"),
    'test_cards': ("Test cards", "بطاقات الاختبار"),
    'documented': ("Documented", "موثّقة"),
    'own_cards': ("This sandbox only", "خاصة بهذه البيئة التجريبية"),
    'other_methods': ("Other methods", "طرق أخرى"),
    'approve': ("Approve", "موافقة"),
    'decline': ("Decline", "رفض"),
    'pending': ("Leave pending", "إبقاء العملية معلّقة"),
    'local_intro': (
        "You are on the simulated page of this payment method. Choose what it answers.",
        "أنت الآن في صفحة محاكاة لطريقة الدفع هذه. اختر النتيجة التي تُعيدها.",
    ),
    'challenge_title': ("Confirm it is you", "أكّد هويتك"),
    'challenge_intro': (
        "Your bank asks for 3-D Secure. This simulation stands for the page of the bank.",
        "يطلب البنك التحقق الآمن ثلاثي الأبعاد. تمثّل هذه المحاكاة صفحة البنك.",
    ),
    'challenge_approve': ("Confirm the payment", "تأكيد الدفع"),
    'challenge_fail': ("Fail the check", "إفشال التحقق"),
    'returning': ("Taking you back to the shop…", "جارٍ إعادتك إلى المتجر…"),
    'continue': ("Continue to the shop", "المتابعة إلى المتجر"),
    'finished': ("This payment page is closed", "صفحة الدفع هذه مغلقة"),
    'finished_intro': (
        "The result has been sent to the shop already.", "تم إرسال النتيجة إلى المتجر بالفعل.",
    ),
    'attempt_failed': ("The payment did not succeed", "لم تنجح عملية الدفع"),
    'attempts_left': ("Attempts left", "المحاولات المتبقية"),
    'bad_number': ("Enter a valid card number.", "أدخل رقم بطاقة صحيحًا."),
    'bad_expiry': ("Enter the expiry date as MM/YY.", "أدخل تاريخ الانتهاء بصيغة MM/YY."),
    'bad_cvv': ("Enter the 3 or 4 digits of the security code.", "أدخل رمز الأمان (3 أو 4 أرقام)."),
    'bad_holder': (
        "Use Latin letters for the name on the card.", "استخدم الأحرف اللاتينية لاسم حامل البطاقة.",
    ),
    'other_language': ("العربية", "English"),
}


def translator(language):
    """ Return the function that looks up a text.

    :param str language: `en` or `ar`.
    :return: A function from a key of `TEXTS` to its text.
    :rtype: function
    """
    position = 1 if language == 'ar' else 0
    return lambda key: TEXTS[key][position]
