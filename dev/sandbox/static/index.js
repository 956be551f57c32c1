/* The buttons of the sandbox's own overview. */
'use strict';

async function post(path, body) {
    await fetch(`/_sandbox/${path}`, {method: 'POST', body: JSON.stringify(body)});
    window.location.reload();
}

document.querySelectorAll('button[data-settle]').forEach((button) => {
    button.addEventListener('click', () => post('settle', {
        merchant_reference: button.dataset.settle,
        result: button.dataset.result,
    }));
});
document.querySelectorAll('button[data-redeliver]').forEach((button) => {
    button.addEventListener('click', () => post(`notifications/${button.dataset.redeliver}/redeliver`, {}));
});
