"""The app for exploring the model in a browser, served by Streamlit."""
