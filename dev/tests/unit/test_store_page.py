""" The store page and its pictures. """

import ast
import re

import pytest

from workbench.photographs import FOLDER, MAX_SIZE
from workbench.system import REPOSITORY

ICON = 'icon.png'
PAGE = (FOLDER / 'index.html').read_text()
PICTURES = sorted(set(re.findall(r'src="([^"]+)"', PAGE)) - {ICON})


def test_page_shows_every_picture():
    """ Test that no picture is missing, and none is left over from another version. """
    files = sorted(file.name for file in FOLDER.glob('*.png') if file.name != ICON)
    assert files == PICTURES


@pytest.mark.parametrize('name', PICTURES)
def test_picture_is_small(name):
    """ Test that who looks at the page on a phone needn't wait. """
    assert (FOLDER / name).stat().st_size <= MAX_SIZE


def test_pictures_are_described():
    """ Test that who can't see a picture can read what it shows; the icon says nothing. """
    images = re.findall(r'<img[^>]*>', PAGE)
    assert [image for image in images if not re.search(r'alt="[^"]+"', image)] == [
        image for image in images if ICON in image
    ]


def test_manifest_names_pictures_that_exist():
    """ Test that the picture of the list of apps is there. """
    manifest = ast.literal_eval((REPOSITORY / '__manifest__.py').read_text())
    assert manifest['images']
    assert [name for name in manifest['images'] if not (REPOSITORY / name).exists()] == []
