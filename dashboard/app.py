"""The entry of the page: title, navigation, theme. Streamlit runs this file."""

from __future__ import annotations

import streamlit as st

from dashboard.navigation import pages

st.set_page_config(page_title="TLS reports", page_icon="🔒", layout="wide")
st.navigation(pages()).run()
