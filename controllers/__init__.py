from . import main
from . import post_processing
