"""How does each answer of the project read? Values in, a `Report` out; nothing here prints or opens."""
