""" Two Odoo servers behind nginx on one database. """

import random
import statistics
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

from ..rpc import Client
from ..system import Failure, say
from .cases import FORM, RETURN, WEBHOOK, send, sign_success
from .figures import compare
from .nginx import start_nginx
from .subjects import Subject

CLIENTS = 8
ROUNDS = 10  # Of each way.
# Each payment is told of three times, at the same moment: by a notification, its repetition and
# the shopper's return.
MESSAGES = ((WEBHOOK, 200), (WEBHOOK, 200), (RETURN, 303))


def measure_nodes(bench, module, number):
    """ Have two servers behind nginx take notices of payments, beside one of them alone.

    :param Bench bench: The run.
    :param Subject module: This addon.
    :param int number: How many payments.
    :return: The figures.
    :rtype: dict
    """
    first = module.copy("first node", 'nodes')
    second = Subject("second node", first.odoo, first.database, vars(first.values))
    say("Starting two prefork servers behind nginx...")
    first.serve('prefork', 'first')
    second.serve('prefork', 'second')
    addresses = [urllib.parse.urlsplit(node.url).netloc for node in (first, second)]
    urls = {
        'one': start_nginx(bench.folder, 'nginx-one', addresses[:1]),
        'two': start_nginx(bench.folder, 'nginx-two', addresses),
    }
    say(f"Taking {3 * number:,} messages about {number:,} payments...")
    rates = {'one': [], 'two': []}
    for url in urls.values():
        post_notices(url, first.take_transactions(CLIENTS))
    taken = CLIENTS * len(urls)
    for index in range(2 * ROUNDS):
        way = ('one', 'two')[(index + index // 2) % 2]  # Nobody is always the first one.
        references = first.take_transactions(number // (2 * ROUNDS))
        rates[way].append(len(references) / post_notices(urls[way], references))
        taken += len(references)
    ratio = compare(rates['two'], rates['one'])
    figures = {
        'payments': taken, 'messages': taken * len(MESSAGES),
        'one_node_per_second': statistics.median(rates['one']),
        'two_nodes_per_second': statistics.median(rates['two']),
        'ratio': vars(ratio),
        'messages_of_nodes': [count_messages(node) for node in (first, second)],
        **check_payments(first, second, taken),
    }
    say(f"{taken:,} payments, three messages each: one node {figures['one_node_per_second']:.1f}, "
        f"two nodes {figures['two_nodes_per_second']:.1f} payments a second, ratio {ratio} "
        "(99 % interval)\n"
        f"messages taken by the nodes: {figures['messages_of_nodes']}; "
        f"lost: {figures['lost']}, accounted twice: {figures['twice']}")
    for node in (first, second):
        node.stop()
    return figures


def post_notices(url, references):
    """ Post all messages about payments, in random order around the same moment.

    :param str url: The address of nginx.
    :param list[str] references: The references of the payments.
    :return: The seconds it took.
    :rtype: float
    :raise Failure: If one is not taken.
    """
    requests = []
    for reference in references:
        body = urllib.parse.urlencode(sign_success(reference)).encode()
        messages = [(path, status, body) for path, status in MESSAGES]
        random.shuffle(messages)
        requests += messages

    def post(request):
        path, status, body = request
        answered, _answer, _seconds = send(url, 'POST', path, body, FORM)
        if answered != status:
            raise Failure(f"The servers answered {answered} to a message to {path}.")

    begin = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(post, requests))
    return time.perf_counter() - begin


def count_messages(node):
    """ Return how many messages a node has taken. """
    return sum(len(node.read_queries(0, path)) for path in (WEBHOOK, RETURN))


def check_payments(first, second, taken):
    """ Have both nodes post-process the payments, and look for what is lost or there twice.

    :param Subject first: The first node.
    :param Subject second: The second node.
    :param int taken: How many payments there must be.
    :return: The numbers of lost payments and of those accounted twice.
    :rtype: dict
    """
    say("Post-processing on both nodes...")
    crons = [Client(node.url, node.database) for node in (first, second)]
    cron_id = crons[0].ref('payment.cron_post_process_payment_tx')

    def post_process(client):
        try:
            client.call('ir.cron', 'method_direct_trigger', [cron_id])
        except Exception:  # The other node runs it.
            time.sleep(1)

    unprocessed = "SELECT count(*) FROM payment_transaction " \
                  "WHERE state = 'done' AND is_post_processed IS NOT TRUE"
    before = None
    while (left := int(first.query(unprocessed))) and left != before:
        before = left
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(post_process, crons))
    accounted = first.query(
        "SELECT count(payment.id) FROM payment_transaction tx LEFT JOIN account_payment payment "
        "ON payment.payment_transaction_id = tx.id "
        "WHERE tx.state = 'done' AND tx.is_post_processed GROUP BY tx.id"
    ).splitlines()
    once, twice = accounted.count('1'), sum(int(count) > 1 for count in accounted)
    return {'lost': taken - once - twice, 'twice': twice}
