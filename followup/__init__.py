"""The product's logic: from a lead and a company's passages to a verified follow-up message."""
