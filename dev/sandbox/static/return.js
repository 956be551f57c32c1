/* Bring the result to the shop without a click. */
'use strict';

document.getElementById('return_form').submit();
