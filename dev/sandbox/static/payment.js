/* Fill the card form from a test card, and keep a shopper from paying twice by a double click. */
'use strict';

document.querySelectorAll('button[data-card]').forEach((button) => {
    button.addEventListener('click', () => {
        const field = (id) => document.getElementById(id);
        field('card_number').value = button.dataset.card;
        field('expiry_date').value = button.dataset.expiry;
        field('card_security_code').value = button.dataset.cvv;
        if (!field('card_holder_name').value) {
            field('card_holder_name').value = 'Sandbox Shopper';
        }
        field('pay').focus();
    });
});

const cardForm = document.getElementById('card_form');
if (cardForm) {
    cardForm.addEventListener('submit', () => {
        document.getElementById('pay').disabled = true;
    });
    window.addEventListener('pageshow', () => {
        document.getElementById('pay').disabled = false;
    });
}
