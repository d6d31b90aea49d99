"""NCL: non-mutually exclusive contrastive learning (ICCV 2023), fully supervised localization."""
