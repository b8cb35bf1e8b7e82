"""The Web API's methods, one file per family; `catalog` names them all."""
