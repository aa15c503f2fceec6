"""The entry of the page: title, sign-in, filters, navigation. Streamlit runs this file on every visit and every click."""

from __future__ import annotations

import streamlit as st

from dashboard.filters import choose
from dashboard.navigation import pages
from dashboard.sign_in import admit
from pipeline.errors import TlsrptError

st.set_page_config(page_title="TLS reports", page_icon="🔒", layout="wide", initial_sidebar_state="auto")
page = st.navigation(pages())
admit()
try:
    choose(whole=page.url_path == "ingest")
    page.run()
except TlsrptError as err:
    st.error("The page cannot be drawn.")
    st.text(str(err))
