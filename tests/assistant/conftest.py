from tests.workflows.conftest import composer

__all__ = ["composer"]
