"""The press of a running application: it finds the plugins' kinds and templates, and the shapes in use."""

from dataclasses import replace

from flask import Flask

from plugins.admissions.documents import APPLICATION_SLIP, shapes_in_use
from portal.documents.service import compiled_state, current_press, render_bulk, warm_up

SLIP = "admissions.application_slip"


def test_slips_under_the_institutions_own_name_are_compiled_before_workers_fork(app: Flask) -> None:
    with app.app_context():
        warm_up()
        (state,) = [each for each in compiled_state() if each.kind == SLIP]
        assert state.compiled
        shape, without_photo = shapes_in_use()
        assert without_photo.photo is None
        assert shape.institution_name != APPLICATION_SLIP.samples[0].institution_name
        rendered = render_bulk(SLIP, [shape, without_photo, replace(shape, first_name="李")])
        assert [each.fallback for each in rendered] == [False, False, False]
        assert [each.problem is None for each in rendered] == [True, True, False]
        assert current_press() is current_press()
