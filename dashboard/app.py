"""The entry of the page: title, sign-in, filters, navigation. Streamlit runs this file on every visit and every click."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard.filters import choose
from dashboard.ground import keep_place, say_ground
from dashboard.navigation import arrive, pages, titled
from dashboard.readers import begin
from dashboard.say import say
from dashboard.sign_in import admit
from pipeline.errors import TlsrptError

_HERE = Path(__file__).parent
st.set_page_config(page_title="TLS reports", page_icon="🔒", layout="wide", initial_sidebar_state="auto")
st.html(_HERE / "style.css")
st.logo((_HERE / "static" / "mark.svg").read_text(encoding="utf-8"), size="large")
admitted = begin()
page = st.navigation(pages())
titled(page.title)
admit(admitted)
try:
    arrive(page.url_path)
    filters = choose(whole=page.url_path == "ingest")
    keep_place()
    if page.url_path:  # the overview draws its figures first, and says what they rest on as soon as they stand
        say_ground(filters)
    page.run()
except TlsrptError as err:
    st.error("The page cannot be drawn.")
    say(str(err))
