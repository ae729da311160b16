"""What the resources of a namespace may name: the operator's role is mighty, and whoever writes a resource borrows it.

`matters` says which list of a tenant each member of a spec is held to, `patterns` how a value is compared, `names`
what a spec or a request names, `tenants` whether a namespace may.
"""

from hyperpod_operator.core.tenancy.matters import Matter
from hyperpod_operator.core.tenancy.names import Named
from hyperpod_operator.core.tenancy.tenants import Tenancy, Tenant

__all__ = ["Matter", "Named", "Tenancy", "Tenant"]
