"""The API's reference as a page, ``/api/v1/docs``: made of the OpenAPI documents, the messages'
JSON Schemas and ``docs/``, so that there is one text for each thing."""
