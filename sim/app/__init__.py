"""The app where students meet the model, served by Streamlit: a door like the command."""
