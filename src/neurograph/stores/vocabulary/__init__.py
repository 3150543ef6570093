"""The vocabularies: entity types, domains and connection types, ours and users' own."""

from .store import ConnectionTypes, Domains, EntityTypes

__all__ = ["ConnectionTypes", "Domains", "EntityTypes"]
