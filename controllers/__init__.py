from . import main
from . import paying_twice
from . import post_processing
