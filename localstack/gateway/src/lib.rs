//! A faithful local API Gateway and Lambda, with template.yaml as its only route table.
